// What the pages do beyond HTML: forms that send themselves, rows that fold, the chart's words.
// Everything works without it.
(() => {
  const root = document.documentElement;
  root.classList.add("js");

  for (const form of document.querySelectorAll("form[data-auto]")) {
    const dates = form.querySelector(".dates");
    form.addEventListener("change", (event) => {
      const { name, value } = event.target;
      if (name === "period" && value === "custom") {
        dates.classList.remove("folded");
        dates.querySelector("input").focus();
        return;
      }
      // Dates are sent once both make sense; until then the person is still typing.
      const [from, to] = dates.querySelectorAll("input");
      if (event.target.type === "date" && (!from.value || !to.value || from.value > to.value)) return;
      if (event.target.type === "date") form.elements.period.value = "custom";
      document.body.classList.add("loading");
      form.requestSubmit();
    });
  }

  for (const button of document.querySelectorAll("button.fold")) {
    const rows = [...button.closest("tbody").querySelectorAll("tr.sub")];
    const show = (open) => {
      button.setAttribute("aria-expanded", String(open));
      rows.forEach((row) => { row.hidden = !open; });
    };
    show(false);
    button.addEventListener("click", () => show(button.getAttribute("aria-expanded") !== "true"));
  }

  for (const chart of document.querySelectorAll("figure.chart")) {
    const told = chart.querySelector(".told");
    const tell = (event) => { told.textContent = event.target.closest(".bucket")?.dataset.told ?? ""; };
    chart.addEventListener("pointermove", tell);
    chart.addEventListener("pointerleave", () => { told.textContent = ""; });
  }

  // A part of the page that is read once the rest is shown; without scripts it is a link to a page of its own.
  const fill = async (part) => {
    const head = part.querySelector(".card-head");
    const say = (text, role) => {
      const line = document.createElement("p");
      line.className = role ? "notice bad" : "quiet pad";
      if (role) line.setAttribute("role", role);
      line.textContent = text;
      part.replaceChildren(head, line);
      return line;
    };
    part.setAttribute("aria-busy", "true");
    say("Counting…");
    try {
      const answer = await fetch(part.dataset.part);
      // A session that ended leads to the sign-in page, which has no such part.
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      part.replaceChildren(...page.getElementById(part.id).childNodes);
    } catch {
      const again = document.createElement("button");
      again.type = "button";
      again.className = "plain again";
      again.textContent = "Try again";
      again.addEventListener("click", () => fill(part));
      say("This part could not be read. ", "alert").append(again);
    }
    part.removeAttribute("aria-busy");
  };
  document.querySelectorAll("[data-part]").forEach(fill);

  // Coming back by the browser's button must not find the page still loading.
  addEventListener("pageshow", () => document.body.classList.remove("loading"));
  addEventListener("click", (event) => {
    const link = event.target.closest?.("main a[href^='/']");
    if (link && !event.metaKey && !event.ctrlKey && !link.getAttribute("href").startsWith("/v1/")) {
      document.body.classList.add("loading");
    }
  });
})();
