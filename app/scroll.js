// Shows the last question at the top of the window. The page itself scrolls to its end for as long as it grows, so this
// is done until the question has stayed where it is, unless the person who reads scrolls or types in the meantime.
(() => {
  const PAUSE = 150, RESTED = 3000, LONGEST = 20000;  // milliseconds
  let left = LONGEST, rested = 0;
  const stop = () => { left = 0; };
  for (const event of ["wheel", "touchstart", "keydown", "mousedown"]) addEventListener(event, stop, { once: true });
  const scroll = () => {
    if ((left -= PAUSE) < 0 || rested > RESTED) return;
    const question = [...document.querySelectorAll("[data-testid=stChatMessage]")].at(-2);
    const before = question?.getBoundingClientRect().top;
    question?.scrollIntoView({ block: "start" });
    rested = question?.getBoundingClientRect().top === before ? rested + PAUSE : 0;
    setTimeout(scroll, PAUSE);
  };
  setTimeout(scroll, 100);
})();
