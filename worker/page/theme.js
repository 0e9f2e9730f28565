// Before anything is painted: the scheme that was chosen here the last time.
const chosen = localStorage.getItem("oneloop.theme");
if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
