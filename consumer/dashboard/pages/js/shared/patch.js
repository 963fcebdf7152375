// Brings nodes that are shown to what was made anew, and keeps those that stay: focus, selection and scrolling stay too.

/** Make `shown`'s children like those of `made`, an element that nobody has yet. Listeners of what stays are the old ones. */
export function patchChildren(shown, made) {
  const wanted = [...made.childNodes];
  wanted.forEach((node, at) => {
    const present = shown.childNodes[at];
    if (!present) shown.append(node);
    else if (!alike(present, node)) present.replaceWith(node);
    else patch(present, node);
  });
  while (shown.childNodes.length > wanted.length) shown.lastChild.remove();
}

function alike(one, other) {
  return one.nodeType === other.nodeType && one.nodeName === other.nodeName && keyOf(one) === keyOf(other);
}

function keyOf(node) {
  return node.nodeType === Node.ELEMENT_NODE ? node.getAttribute("data-key") : null;
}

function patch(shown, made) {
  if (shown.nodeType === Node.TEXT_NODE) {
    if (shown.data !== made.data) shown.data = made.data;
    return;
  }
  // The content security policy allows styles that a script sets, and no attribute with some.
  const others = (element) => [...element.attributes].filter(({ name }) => name !== "style");
  for (const { name, value } of others(made)) if (shown.getAttribute(name) !== value) shown.setAttribute(name, value);
  for (const { name } of others(shown)) if (!made.hasAttribute(name)) shown.removeAttribute(name);
  if (shown.style.cssText !== made.style.cssText) shown.style.cssText = made.style.cssText;
  patchChildren(shown, made);
}
