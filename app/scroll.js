// Shows the last question at the top of the window. The page itself scrolls to its end for as long as it grows, so this
// is done until it has come to rest, unless the person who reads scrolls or types in the meantime.
(() => {
  let times = 10;
  const stop = () => { times = 0; };
  for (const event of ["wheel", "touchstart", "keydown", "mousedown"]) addEventListener(event, stop, { once: true });
  const scroll = () => {
    if (times-- <= 0) return;
    [...document.querySelectorAll("[data-testid=stChatMessage]")].at(-2)?.scrollIntoView({ block: "start" });
    setTimeout(scroll, 150);
  };
  setTimeout(scroll, 100);
})();
