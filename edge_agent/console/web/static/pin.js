// The way in: the PIN that was shown where the page was opened.
import { learn, say } from "/static/words.js";

const form = document.getElementById("enter");
const wrong = document.getElementById("wrong");

await learn(localStorage.getItem("language") ?? navigator.language.slice(0, 2));
form.elements.pin.focus();

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = JSON.stringify({ pin: form.elements.pin.value });
  const answer = await fetch("/login", { method: "POST", body }).catch(() => null);
  if (answer?.ok) return location.replace("/");
  wrong.textContent = say(answer === null || answer.status === 403 ? "page.shut" : "page.wrong_pin");
  wrong.hidden = false;
  form.elements.pin.select();
});
