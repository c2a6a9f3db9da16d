// Highlights are HTML text with <em> marks, made from what anybody may have written: they never become HTML here.

const NAMED = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
const ENTITY = /&(?:#(\d{1,7})|#x([\da-f]{1,6})|(amp|lt|gt|quot|apos));/gi;

// Nodes that show a highlight: text, and mark elements.
export function marked(highlight) {
  return highlight.split(/(<em>.*?<\/em>)/s).filter(Boolean).map((part) => {
    const inner = /^<em>(.*)<\/em>$/s.exec(part);
    if (!inner) return document.createTextNode(decoded(part));
    const mark = document.createElement("mark");
    mark.textContent = decoded(inner[1]);
    return mark;
  });
}

function decoded(text) {
  return text.replace(ENTITY, (entity, decimal, hexadecimal, name) => {
    if (name) return NAMED[name.toLowerCase()];
    const point = decimal ? parseInt(decimal, 10) : parseInt(hexadecimal, 16);
    return point <= 0x10ffff ? String.fromCodePoint(point) : entity;
  });
}
