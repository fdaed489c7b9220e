// Preloaded into a process (`--import <this file's URL>?ms=…`): its wall clock is so many milliseconds ahead.
const aheadMs = Number(new URL(import.meta.url).searchParams.get('ms'));
const RealDate = Date;
const now = () => RealDate.now() + aheadMs;

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as object,
  apply: () => new RealDate(now()).toString(),
  get: (target, name) => (name === 'now' ? now : (Reflect.get(target, name) as unknown)),
});
