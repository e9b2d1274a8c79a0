// Tables and pictures that scroll sideways can be scrolled with the keyboard, too.
const markScrollers = () => {
  for (const item of document.querySelectorAll(".md-typeset__scrollwrap, .start-picture")) {
    if (item.scrollWidth > item.clientWidth) {
      item.tabIndex = 0;
    } else {
      item.removeAttribute("tabindex");
    }
  }
};

addEventListener("load", markScrollers);
addEventListener("resize", markScrollers);
