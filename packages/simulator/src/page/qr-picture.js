import { element } from './element.js';

const MAX_SIDE = 1_600;
let decoder;

/** The text of the QR in a picture file. Rejects when the file is no picture or shows no QR that can be read. */
export async function readQrPicture(file) {
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Error('This file is not a picture.');
  });
  decoder ??= loadDecoder();
  const decode = await decoder;
  const scale = Math.min(1, MAX_SIDE / Math.max(bitmap.width, bitmap.height));
  const width = Math.max(1, Math.round(bitmap.width * scale));
  const height = Math.max(1, Math.round(bitmap.height * scale));
  const context = element('canvas', { width, height }).getContext('2d', { willReadFrequently: true });
  context.fillStyle = '#ffffff';
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0, width, height);
  const found = decode(context.getImageData(0, 0, width, height).data, width, height);
  if (!found) throw new Error('No QR could be read in this picture.');
  return found.data;
}

/** The decoder is a classic script of a quarter of a megabyte: loaded when the first picture is chosen. */
function loadDecoder() {
  return new Promise((resolve, reject) => {
    const script = element('script', { src: '/jsqr.js' });
    script.addEventListener('load', () => resolve(window.jsQR));
    script.addEventListener('error', () => reject(new Error('The QR decoder could not be loaded.')));
    document.head.append(script);
  });
}
