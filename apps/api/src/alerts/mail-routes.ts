import { type Context, type Env, Hono } from 'hono';
import { secureHeaders } from 'hono/secure-headers';
import type { Allowances } from '../platform/allowances.ts';
import type { Db } from '../platform/db.ts';
import { Refusal } from '../platform/refusal.ts';
import { type MailPage, mailPage } from './mail-pages.ts';
import { confirmRecipient, stopRecipient } from './recipients-store.ts';

// The pages behind the links in mails. Programs that scan mail open every link: only a POST changes something, and a GET asks no database.

/** POSTs of all callers together. Nobody can guess a token of 256 bits; this bounds what guesses cost the database. */
const rate = { perSecond: 20, burst: 100 };

/** Mounted at /mail. Needs no login: the token in the link is the permission. */
export function mailRoutes({ db, allowances }: { db: Pick<Db, 'worker'>; allowances: Allowances }) {
  const app = new Hono();
  app.use(
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        styleSrc: ["'unsafe-inline'"],
        formAction: ["'self'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
      },
      referrerPolicy: 'no-referrer',
    }),
  );

  for (const path of ['confirm', 'stop'] as const) {
    app.get(`/${path}/:token`, (c) => answer(c, path, path));
  }
  app.post('/confirm/:token', async (c) => answer(c, (await change(c, (token) => confirmRecipient(db, token))) && 'confirmed'));
  // Programs for mail send this POST by themselves when their user presses "unsubscribe" (RFC 8058).
  app.post('/stop/:token', async (c) => answer(c, (await change(c, (token) => stopRecipient(db, token, true))) && 'stopped', 'restart'));
  app.post('/restart/:token', async (c) => answer(c, (await change(c, (token) => stopRecipient(db, token, false))) && 'restarted'));
  return app;

  async function change(c: TokenContext, run: (token: string) => Promise<boolean>): Promise<boolean> {
    const token = c.req.param('token') ?? '';
    if (!isToken(token)) return false;
    const waitMs = await allowances.take([{ name: 'links in mails', rate }]);
    if (waitMs > 0) throw new Refusal('rate_limited', 'too many requests: try again in a moment', { retryAfterSeconds: 1 });
    return run(token);
  }
}

type TokenContext = Context<Env, string>;

const isToken = (text: string): boolean => /^[0-9a-f]{64}$/.test(text);

/** `page` is false when the token is not valid. `next`: what the button of the page does. */
function answer(c: TokenContext, page: MailPage | false, next = ''): Response {
  const token = c.req.param('token') ?? '';
  const shown = page !== false && isToken(token) ? page : 'unknown';
  c.header('cache-control', 'no-store');
  return c.html(mailPage(shown, c.req.header('accept-language'), `../${next}/${token}`), shown === 'unknown' ? 404 : 200);
}
