/** More rows than this are not drawn: a filter finds the others. */
const MAX_ROWS = 200;

/**
 * The filter of a view: a text that device ids contain, and a state by its test in `states`. `set({text, state})` fills
 * it in.
 */
export function createFilter(section, { states, onChange }) {
  const form = section.querySelector('.filters');
  const { text, state } = form.elements;
  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('input', onChange);
  return {
    matches(deviceId, item) {
      const wanted = states[state.value];
      return deviceId.toLowerCase().includes(text.value.trim().toLowerCase()) && (!wanted || wanted(item));
    },
    set(values) {
      text.value = values.text ?? '';
      state.value = values.state ?? '';
      onChange();
    },
  };
}

/** Shows the items that match, and says when there are others. */
export function showMatching(section, items, rows, matches) {
  const matching = items.filter(matches);
  rows.show(matching.slice(0, MAX_ROWS));
  const none = section.querySelector('[data-none]');
  none.textContent =
    matching.length > MAX_ROWS
      ? `${matching.length - MAX_ROWS} more are not shown; use the filter.`
      : 'Nothing matches the filter.';
  none.hidden = items.length === 0 || (matching.length > 0 && matching.length <= MAX_ROWS);
}
