// Two notes while a request waits that nobody acknowledged; off until somebody wants it.

let context = null;
let timer = null;
let wanted = false;

function play() {
  const start = context.currentTime;
  for (const [i, hertz] of [660, 880].entries()) {
    const tone = context.createOscillator();
    const loud = context.createGain();
    loud.gain.setValueAtTime(0.15, start + i * 0.2);
    loud.gain.exponentialRampToValueAtTime(0.001, start + i * 0.2 + 0.18);
    tone.frequency.value = hertz;
    tone.connect(loud).connect(context.destination);
    tone.start(start + i * 0.2);
    tone.stop(start + i * 0.2 + 0.2);
  }
}

function settle() {
  const on = context !== null && wanted;
  if (on && timer === null) {
    play();
    timer = setInterval(play, 4000);
  } else if (!on && timer !== null) {
    clearInterval(timer);
    timer = null;
  }
}

export function beep(waiting) {
  wanted = waiting;
  settle();
}

// Browsers want a click before the first tone.
export function toggleSound(button) {
  if (context === null) context = new AudioContext();
  else {
    context.close();
    context = null;
  }
  button.setAttribute("aria-pressed", String(context !== null));
  button.textContent = context ? "Sound on" : "Sound off";
  settle();
}
