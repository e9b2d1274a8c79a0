// Tables and pictures that scroll sideways can be scrolled with the keyboard, too.
const markScrollers = () => {
  for (const item of document.querySelectorAll(".md-typeset__scrollwrap, .terminal-picture")) {
    if (item.scrollWidth > item.clientWidth) {
      item.tabIndex = 0;
    } else {
      item.removeAttribute("tabindex");
    }
  }
};

addEventListener("load", markScrollers);
addEventListener("resize", markScrollers);

// The search reads a word after a hyphen as one that pages must not have. Nobody means that by `--fix`.
const query = document.querySelector(".md-search__input");
query?.addEventListener("input", () => {
  const text = query.value.replace(/(^|\s)-+/g, "$1");
  if (text !== query.value) {
    query.value = text;
  }
});
