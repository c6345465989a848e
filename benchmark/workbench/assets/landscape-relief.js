// @ts-check
/* The relief of a surface: a picture of its heights. The only state is a cache of pictures. */

/** @typedef {{ low: string, high: string, line: string }} Colors */

const BANDS = 14;
/** @type {Map<string, HTMLCanvasElement>} */
const reliefs = new Map();

/** @type {(color: string) => number[]} */
function rgb(color) {
  const number = parseInt(color.trim().slice(1), 16);
  return [number >> 16, (number >> 8) & 255, number & 255];
}

/* A picture of the heights in shaded bands with lines in between, drawn once and then copied. */
/** @type {(key: string, heights: Float32Array, size: [number, number], width: number, height: number, colors: Colors) => HTMLCanvasElement} */
export function relief(key, heights, [rows, columns], width, height, colors) {
  const known = reliefs.get(key);
  if (known) return known;
  const picture = document.createElement("canvas");
  [picture.width, picture.height] = [width, height];
  const context = /** @type {CanvasRenderingContext2D} */ (picture.getContext("2d"));
  const image = context.createImageData(width, height);
  const [low, high, line] = [colors.low, colors.high, colors.line].map(rgb);
  /** @type {(px: number, py: number) => number} */
  const band = (px, py) => {
    const x = (px / (width - 1)) * (columns - 1);
    const y = (1 - py / (height - 1)) * (rows - 1);
    const column = Math.min(Math.floor(x), columns - 2);
    const row = Math.min(Math.floor(y), rows - 2);
    const at = row * columns + column;
    const [u, v] = [x - column, y - row];
    const lower = heights[at] * (1 - u) + heights[at + 1] * u;
    const upper = heights[at + columns] * (1 - u) + heights[at + columns + 1] * u;
    return Math.min(Math.floor((lower * (1 - v) + upper * v) * BANDS), BANDS - 1);
  };
  let above = new Uint8Array(width + 1);
  for (let px = 0; px <= width; px++) above[px] = band(px, 0);
  for (let py = 0; py < height; py++) {
    const below = new Uint8Array(width + 1);
    for (let px = 0; px <= width; px++) below[px] = band(px, py + 1);
    for (let px = 0; px < width; px++) {
      const isEdge = above[px] !== above[px + 1] || above[px] !== below[px];
      const share = above[px] / (BANDS - 1);
      const at = 4 * (py * width + px);
      for (let i = 0; i < 3; i++) {
        const shade = low[i] + (high[i] - low[i]) * share;
        image.data[at + i] = isEdge ? (shade + line[i]) / 2 : shade;
      }
      image.data[at + 3] = 255;
    }
    above = below;
  }
  context.putImageData(image, 0, 0);
  if (reliefs.size > 12) reliefs.clear();
  reliefs.set(key, picture);
  return picture;
}
