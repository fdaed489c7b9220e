/** Creates an element with properties and children; falsy children are left out, text is never parsed as HTML. */
export function element(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children.filter(Boolean));
  return node;
}

export function byId(id) {
  return document.getElementById(id);
}
