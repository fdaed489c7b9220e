import { create } from './element.js';

/**
 * A list whose rows are made once and changed in place, so that focus, selection and a reader's place are kept.
 * `createRow(item)` answers `{element, update(item)}`.
 */
export class Rows {
  #list;
  #idOf;
  #createRow;
  #shown = new Map();

  constructor(list, { idOf, createRow }) {
    this.#list = list;
    this.#idOf = idOf;
    this.#createRow = createRow;
  }

  show(items) {
    const gone = new Set(this.#shown.keys());
    for (const [index, item] of items.entries()) {
      const id = this.#idOf(item);
      gone.delete(id);
      const row = this.#shown.get(id) ?? this.#createRow(item);
      this.#shown.set(id, row);
      row.update(item);
      const there = this.#list.children[index];
      if (there !== row.element) this.#list.insertBefore(row.element, there ?? null);
    }
    for (const id of gone) {
      this.#shown.get(id).element.remove();
      this.#shown.delete(id);
    }
  }
}

/** One fact of a row: a term and what is true of it; hidden while there is nothing to say. */
export function createFact(term, value = create('span')) {
  const element = create('div', {}, create('dt', {}, term), create('dd', {}, value));
  return { element, value };
}

/** A state in words, with a colour that says the same. */
export function createBadge() {
  const element = create('span', { className: 'badge' });
  return {
    element,
    set(words, look) {
      if (element.textContent !== words) element.textContent = words;
      element.dataset.look = look;
    },
  };
}
