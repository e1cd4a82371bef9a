import { defineTexts } from '../../lib/i18n.ts';

export const holdTexts = defineTexts('holds', {
  en: {
    holds: 'Legal holds',
    holdsHint:
      'What a hold covers is not dropped by retention, not purged, not erased, and not rewritten by replays, until somebody releases it.',
    noHold: 'No legal hold',
    place: 'Place a hold',
    placeNow: 'Place it',
    covers: 'Covers',
    wholeOrg: 'The whole org',
    reason: 'Reason',
    reasonHint: 'Such as the number of the case. Everybody in the org reads it.',
    placed: 'Placed',
    state: 'State',
    stands: 'Stands',
    release: 'Release',
    releaseNow: 'Release it',
    released: 'Released',
    releaseBody: 'The hold on {{covers}} ({{reason}}) ends: retention, purges and replays may touch again what it covered.',
  },
  'pt-BR': {
    holds: 'Retenções legais',
    holdsHint:
      'O que uma retenção cobre não é descartado pelo prazo, nem apagado, nem eliminado, nem reescrito por reprocessamentos, até que alguém a libere.',
    noHold: 'Nenhuma retenção legal',
    place: 'Criar retenção',
    placeNow: 'Criar',
    covers: 'Cobre',
    wholeOrg: 'A organização inteira',
    reason: 'Motivo',
    reasonHint: 'Como o número do processo. Todos na organização leem.',
    placed: 'Criada',
    state: 'Estado',
    stands: 'Vigente',
    release: 'Liberar',
    releaseNow: 'Liberar',
    released: 'Liberada',
    releaseBody:
      'A retenção sobre {{covers}} ({{reason}}) termina: prazo, exclusões e reprocessamentos podem tocar de novo no que ela cobria.',
  },
});
