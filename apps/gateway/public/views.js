const TITLE = 'Postern';

/** The views of the page: one is shown, as the address says after its `#`. */
export function createViews({ onShow }) {
  const sections = [...document.querySelectorAll('[data-view]')];
  const links = [...document.querySelectorAll('.tabs a')];
  const show = () => {
    const wanted = location.hash.slice(1);
    const current = sections.find(({ id }) => id === wanted) ?? sections[0];
    for (const section of sections) section.hidden = section !== current;
    for (const link of links) {
      if (link.hash === `#${current.id}`) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
    document.title = `${current.querySelector('h2').textContent} · ${TITLE}`;
    onShow();
  };
  addEventListener('hashchange', show);
  show();
}
