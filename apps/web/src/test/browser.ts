import { vi } from 'vitest';
import { config } from 'zod';

// Adds what jsdom lacks: layout, and a wide screen. Elements get a size, so that charts and long lists draw something.

config({ jitless: true });

class Observer {
  observe() {}
  unobserve() {}
  disconnect() {}
}

Object.assign(globalThis, { ResizeObserver: Observer, IntersectionObserver: Observer });
Object.assign(window, { scrollTo: () => {} });
Object.assign(Element.prototype, { scrollIntoView: () => {}, scrollTo: () => {} });
Element.prototype.getBoundingClientRect = () => new DOMRect(0, 0, 800, 600);
for (const [name, size] of [
  ['offsetWidth', 800],
  ['offsetHeight', 600],
] as const)
  Object.defineProperty(HTMLElement.prototype, name, { configurable: true, get: () => size });
window.matchMedia = (query) =>
  ({
    matches: query.includes('min-width') || query.includes('reduce'),
    media: query,
    addEventListener: () => {},
    removeEventListener: () => {},
    addListener: () => {},
    removeListener: () => {},
  }) as unknown as MediaQueryList;

// Every test opens a new dashboard in the same window, and the client of Supabase Auth warns about that.
const warn = console.warn;
vi.spyOn(console, 'warn').mockImplementation((...said: unknown[]) => {
  if (!String(said[0]).includes('Multiple GoTrueClient instances')) warn(...said);
});
