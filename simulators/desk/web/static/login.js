// The link that the desk prints carries the token behind a #, which browsers never send: it is only filled in here.
const form = document.getElementById("login");
const wrong = document.getElementById("wrong");
const token = decodeURIComponent(location.hash.slice(1));

if (token) {
  form.elements.token.value = token;
  history.replaceState(null, "", "/login");
}
form.elements.name.value = localStorage.getItem("name") ?? "";
form.elements.name.focus();

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const told = { token: form.elements.token.value.trim(), name: form.elements.name.value.trim() };
  const answer = await fetch("/login", { method: "POST", body: JSON.stringify(told) }).catch(() => null);
  if (answer?.ok) {
    localStorage.setItem("name", told.name);
    location.replace("/");
    return;
  }
  const said = answer ? await answer.json() : { error: "The desk does not answer.", fix: "Is it running?" };
  wrong.textContent = `${said.error} ${said.fix}`;
  wrong.hidden = false;
});
