import { byId } from './element.js';

/** Shows a picture large; `onClose` runs once when it is put away. */
export function showPicture(path, caption, onClose) {
  const viewer = byId('viewer');
  const picture = byId('viewer-picture');
  picture.src = path;
  picture.alt = caption || 'Picture';
  byId('viewer-caption').textContent = caption ?? '';
  viewer.addEventListener(
    'close',
    () => {
      picture.removeAttribute('src');
      onClose?.();
    },
    { once: true },
  );
  viewer.showModal();
}
