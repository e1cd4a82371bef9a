import { sources } from '@tributary/pipeline/sources.ts';

/** A placeholder that each request replaces by its own id. */
const idMark = '00000000-0000-4000-8000-000000000000';

/** Builds the Hotmart sample purchase (1.7 KB as sent) with the given id. */
export function purchaseTemplate(nowMs: number): (id: string) => string {
  const sample = sources.get('hotmart')?.samples.find((one) => one.name === 'PURCHASE_APPROVED');
  if (!sample) throw new Error('Hotmart has no purchase sample');
  const [before, ...after] = sample.body({ id: idMark, nowMs }).split(idMark);
  const rest = after.join(idMark);
  return (id) => before + id + rest;
}

/** Builds a JSON array of `records` lead events of about 480 bytes, each with its own id. */
export function batchTemplate(nowMs: number, records: number): (id: string) => string {
  const created = new Date(nowMs).toISOString();
  const parts = Array.from({ length: records }, (_, n) =>
    JSON.stringify({
      id: `${idMark}-${n}`,
      type: 'lead.created',
      created_at: created,
      lead: { name: `Pessoa ${n}`, email: `pessoa${n}@example.com`, phone: `+55 11 95555-${String(1000 + n)}` },
      form: { id: '105000000000004', name: 'Aula aberta', page: 'https://www.example.com/aula-aberta' },
      answers: { budget: 'ate-500', experience: 'iniciante', goal: 'Aprender a tornear e vender as primeiras peças' },
      utm_source: 'newsletter',
      utm_medium: 'email',
      utm_campaign: 'aula-aberta-de-novembro',
      score: 37,
      consent: true,
    }),
  );
  const pieces = `[${parts.join(',')}]`.split(idMark);
  return (id) => pieces.join(id);
}
