// Preloaded into an API process: shifts its wall clock by CLOCK_SKEW_MS, and by another CLOCK_JUMP_MS at each SIGUSR2.
// Timers and performance.now() are not affected, as on a host whose clock is set.
const Real = Date;
let skewMs = Number(process.env.CLOCK_SKEW_MS ?? 0);
process.on('SIGUSR2', () => {
  skewMs += Number(process.env.CLOCK_JUMP_MS ?? 0);
});

class ShiftedDate extends Real {
  constructor(...given) {
    if (given.length === 0) super(Real.now() + skewMs);
    else super(...given);
  }
  static now() {
    return Real.now() + skewMs;
  }
}
// Other code recognises a date by the name of its constructor.
Object.defineProperty(ShiftedDate, 'name', { value: 'Date' });
globalThis.Date = ShiftedDate;
