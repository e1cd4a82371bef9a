import type { AlertKind } from '@tributary/shared/alert-kinds.ts';
import { defineTexts, type FeatureTexts } from '../../lib/i18n.ts';

/** What each alert means and what to do about it, step by step: the runbook's advice, rewritten for the members of an org. */
export const guidanceTexts = defineTexts('alert-guidance', {
  en: {
    IngestLagHighMeaning:
      'Most events are stored long after they happened, so dashboards and automations act on outdated data. Nothing is lost.',
    lagPlatform: 'Check the platform’s status page: after an outage on its side the platform catches up, and the lag disappears by itself.',
    lagImport: 'If somebody is importing history through this connection, wait until the import is finished.',
    ConnectionSilentMeaning:
      'This connection used to send and has sent nothing for longer than is usual for it. A webhook that was deleted or switched off at the platform causes no error anywhere.',
    silentTest: 'Send a test event from here: if it arrives, the receiving side works and the platform is not sending.',
    silentPlatform: 'Check in the platform’s panel whether the webhook still exists, is switched on and has this URL.',
    silentRejected: 'Check whether deliveries are rejected instead: then the secret was changed at the platform.',
    ConnectionLagMeaning: 'Deliveries may arrive, but the newest event among them is old: what you see of this connection is out of date.',
    lagHeld: 'Check the platform’s status page and its list of deliveries: it holds events back, or repeats old ones.',
    lagResend: 'Have the platform send the missed period again: events that are already stored are recognised and not stored twice.',
    IngestDLQRateHighMeaning:
      'An unusual share of the genuine records could not become events. They are kept with the reason and can be run again.',
    dlqLook: 'Open the dead letters of this connection: they are grouped by reason, each with a sample.',
    dlqDrift: 'A changed field or an unknown format: the platform changed its payload. Redrive them once the source understands it.',
    dlqInvalid:
      'Unreadable or invalid records cannot be corrected: discard them. Records that failed because of an outage on our side are retried automatically.',
    IngestDLQSpikeMeaning: 'Many records in a short time could not become events. They are kept with the reason and can be run again.',
    DuplicateRateHighMeaning: 'Much of what arrives is already stored. Nothing is stored twice, but somebody is sending everything again.',
    duplicateTwice: 'Check at the platform whether two webhooks point to this URL; delete one of them.',
    duplicateRepeat: 'If the platform repeats deliveries after an outage on its side, this ends by itself.',
    RejectedRateHighMeaning:
      'Much of what arrives is rejected because it does not prove who sent it: the secret is not the platform’s, or somebody forges deliveries.',
    rejectedSecret: 'Compare the secret with the platform’s. If it was changed there, rotate it here.',
    rejectedVerify: 'Then verify the quarantine again: genuine deliveries become events, and nothing is lost.',
    rejectedForged: 'If nothing verifies, the deliveries are forged: discard them.',
  },
  'pt-BR': {
    IngestLagHighMeaning:
      'A maioria dos eventos é armazenada muito depois de acontecer; painéis e automações agem sobre dados antigos. Nada se perde.',
    lagPlatform: 'Veja a página de status da plataforma: depois de uma queda dela, ela recupera o atraso e o alerta some sozinho.',
    lagImport: 'Se alguém está importando histórico por esta conexão, espere terminar.',
    ConnectionSilentMeaning:
      'Esta conexão costumava enviar e não envia nada há mais tempo do que o ritmo dela permite. Um webhook excluído ou desligado na plataforma não gera erro em lugar nenhum.',
    silentTest: 'Envie um evento de teste daqui: se chegar, o caminho está livre e é a plataforma que não envia.',
    silentPlatform: 'Veja no painel da plataforma se o webhook ainda existe, está ligado e aponta para esta URL.',
    silentRejected: 'Veja se as entregas estão sendo rejeitadas: nesse caso o segredo mudou na plataforma.',
    ConnectionLagMeaning: 'Entregas podem estar chegando, mas o evento mais recente é antigo: o que você vê desta conexão é passado.',
    lagHeld: 'Veja a página de status e a lista de entregas da plataforma: ela está segurando eventos ou repetindo os antigos.',
    lagResend: 'Peça à plataforma que reenvie o período perdido: o que já foi armazenado é reconhecido e não entra duas vezes.',
    IngestDLQRateHighMeaning:
      'Uma parte incomum dos registros legítimos não virou evento. Eles ficam guardados com o motivo e podem ser reprocessados.',
    dlqLook: 'Abra as falhas desta conexão: estão agrupadas por motivo, cada grupo com uma amostra.',
    dlqDrift: 'Campo mudado ou formato desconhecido: a plataforma alterou o payload. Reprocesse assim que a fonte o entender.',
    dlqInvalid:
      'Registros ilegíveis ou inválidos não podem ser corrigidos: descarte-os. Registros que falharam por uma queda nossa são tentados de novo automaticamente.',
    IngestDLQSpikeMeaning:
      'Muitos registros em pouco tempo não viraram eventos. Eles ficam guardados com o motivo e podem ser reprocessados.',
    DuplicateRateHighMeaning: 'Boa parte do que chega já estava armazenada. Nada entra duas vezes, mas alguém está reenviando tudo.',
    duplicateTwice: 'Veja na plataforma se dois webhooks apontam para esta URL; exclua um deles.',
    duplicateRepeat: 'Se a plataforma repete entregas depois de uma queda dela, isso termina sozinho.',
    RejectedRateHighMeaning:
      'Boa parte do que chega é recusada por não provar quem enviou: o segredo não é o da plataforma, ou alguém está forjando entregas.',
    rejectedSecret: 'Compare o segredo com o da plataforma. Se ele mudou lá, troque-o aqui.',
    rejectedVerify: 'Depois verifique a quarentena de novo: o que é legítimo vira evento, nada se perde.',
    rejectedForged: 'Se nada for confirmado, as entregas são forjadas: descarte-as.',
  },
});

type Step = typeof guidanceTexts extends FeatureTexts<infer Key> ? Exclude<Key, `${AlertKind}Meaning`> : never;

export const stepsOf: Record<AlertKind, readonly Step[]> = {
  IngestLagHigh: ['lagPlatform', 'lagImport'],
  ConnectionSilent: ['silentTest', 'silentPlatform', 'silentRejected'],
  ConnectionLag: ['lagHeld', 'lagResend'],
  IngestDLQRateHigh: ['dlqLook', 'dlqDrift', 'dlqInvalid'],
  IngestDLQSpike: ['dlqLook', 'dlqDrift', 'dlqInvalid'],
  DuplicateRateHigh: ['duplicateTwice', 'duplicateRepeat'],
  RejectedRateHigh: ['rejectedSecret', 'rejectedVerify', 'rejectedForged'],
};
