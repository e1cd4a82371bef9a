import { sources } from '@tributary/pipeline/sources.ts';

/** A placeholder that each record replaces by its own id. */
const idMark = '00000000-0000-4000-8000-000000000000';

/** Builds a body; `idOf` gives the id of each of its records. */
export type Template = (idOf: (record: number) => string) => string;

/** The Hotmart sample purchase, 1.7 KB as sent. */
export function purchaseTemplate(nowMs: number): Template {
  const sample = sources.get('hotmart')?.samples.find((one) => one.name === 'PURCHASE_APPROVED');
  if (!sample) throw new Error('Hotmart has no purchase sample');
  const [before, ...after] = sample.body({ id: idMark, nowMs }).split(idMark);
  const rest = after.join(idMark);
  return (idOf) => before + idOf(0) + rest;
}

/** A JSON array of `records` lead events of about 480 bytes. */
export function batchTemplate(nowMs: number, records: number): Template {
  const created = new Date(nowMs).toISOString();
  return arrayOf(records, (n) => ({
    id: idMark,
    type: 'lead.created',
    created_at: created,
    lead: { name: `Pessoa ${n}`, email: `pessoa${n}@example.com`, phone: `+55 11 95555-${String(1000 + (n % 9_000))}` },
    form: { id: '105000000000004', name: 'Aula aberta', page: 'https://www.example.com/aula-aberta' },
    answers: { budget: 'ate-500', experience: 'iniciante', goal: 'Aprender a tornear e vender as primeiras peças' },
    utm_source: 'newsletter',
    utm_medium: 'email',
    utm_campaign: 'aula-aberta-de-novembro',
    score: 37,
    consent: true,
  }));
}

/** A JSON array of `records` small events of about 100 bytes: 10,000 of them are one MiB. */
export function smallTemplate(nowMs: number, records: number): Template {
  const created = new Date(nowMs).toISOString();
  return arrayOf(records, (n) => ({ id: idMark, type: 'lead', created_at: created, score: n % 100 }));
}

function arrayOf(records: number, build: (n: number) => object): Template {
  const pieces = JSON.stringify(Array.from({ length: records }, (_, n) => build(n))).split(idMark);
  return (idOf) => {
    let text = pieces[0] ?? '';
    for (let n = 1; n < pieces.length; n++) text += idOf(n - 1) + pieces[n];
    return text;
  };
}
