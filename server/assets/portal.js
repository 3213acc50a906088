// What the partners' pages do beyond HTML: copy what stands beside the button, and show that something is under way.
// Everything works without it.
(() => {
  document.documentElement.classList.add("js");

  for (const button of document.querySelectorAll("[data-copy]")) {
    const named = button.textContent;
    button.setAttribute("aria-live", "polite");
    button.addEventListener("click", async () => {
      const field = button.parentElement.querySelector("input, textarea");
      field.select();
      try {
        await navigator.clipboard.writeText(field.value);
        button.textContent = "Copied";
      } catch {
        // Without leave to write, what is chosen can be copied by hand.
        button.textContent = "Press copy";
      }
      setTimeout(() => { button.textContent = named; }, 2000);
    });
  }

  const loading = (is) => document.body.classList.toggle("loading", is);
  addEventListener("submit", () => loading(true));
  addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href^='/partners']");
    if (link && !link.hasAttribute("download") && !event.metaKey && !event.ctrlKey) loading(true);
  });
  // Coming back by the browser's button must not find the page still loading.
  addEventListener("pageshow", () => loading(false));
})();
