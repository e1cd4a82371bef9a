import { defineTexts } from '../../lib/i18n.ts';

export const orgKeyTexts = defineTexts('org-keys', {
  en: {
    keys: 'Keys',
    keysHint:
      'The data key seals the bodies of deliveries and the secrets of connections. The hash key makes the hashes that stand for e-mail addresses, phones and documents. Both are this org’s own, and wrapped by the key of the installation.',
    noKey: 'No key yet',
    noKeyHint: 'The org gets its keys with its first secret or delivery.',
    key: 'Key',
    version: 'Version',
    made: 'Made',
    state: 'State',
    data: 'Data key',
    hash: 'Hash key',
    inUse: 'In use',
    opens: 'Opens what it sealed',
    finds: 'Finds what it hashed',
    retired: 'Retired',
    rotateData: 'New data key',
    rotateHash: 'New hash key',
    rotateNow: 'Make the key',
    rotatedData: 'A new data key is in use',
    rotatedHash: 'A new hash key is in use',
    rotateDataBody:
      'What is stored from now on is sealed with a new key. What was sealed before stays readable: the older keys are kept for it.',
    rotateHashBody:
      'Events of from now on are hashed with a new key: the same person has other hashes in them than in older events. Looking somebody up finds both, and an erasure erases both.',
    rotateHashJoins:
      'Whatever joins events by their hashes, as your own queries and exports may, sees two people until the older events are reprocessed. That can be done as long as their bodies are kept.',
    olderHashes: 'Events from before {{time}} have hashes of an older key until they are reprocessed.',
    reprocess: 'Plan the reprocessing',
  },
  'pt-BR': {
    keys: 'Chaves',
    keysHint:
      'A chave de dados sela o corpo das entregas e os segredos das conexões. A chave de hash cria os hashes que representam e-mails, telefones e documentos. As duas são só desta organização e protegidas pela chave da instalação.',
    noKey: 'Nenhuma chave ainda',
    noKeyHint: 'A organização recebe suas chaves com o primeiro segredo ou a primeira entrega.',
    key: 'Chave',
    version: 'Versão',
    made: 'Criada',
    state: 'Estado',
    data: 'Chave de dados',
    hash: 'Chave de hash',
    inUse: 'Em uso',
    opens: 'Abre o que selou',
    finds: 'Encontra o que gerou',
    retired: 'Aposentada',
    rotateData: 'Nova chave de dados',
    rotateHash: 'Nova chave de hash',
    rotateNow: 'Criar a chave',
    rotatedData: 'Uma nova chave de dados está em uso',
    rotatedHash: 'Uma nova chave de hash está em uso',
    rotateDataBody:
      'O que for guardado a partir de agora será selado com uma nova chave. O que foi selado antes continua legível: as chaves antigas são mantidas para isso.',
    rotateHashBody:
      'Os eventos a partir de agora recebem hashes de uma nova chave: a mesma pessoa tem neles outros hashes que nos eventos antigos. Buscar alguém encontra os dois, e uma eliminação elimina os dois.',
    rotateHashJoins:
      'O que une eventos pelos hashes, como suas próprias consultas e exportações, vê duas pessoas até que os eventos antigos sejam reprocessados. Isso é possível enquanto o corpo deles é guardado.',
    olderHashes: 'Os eventos anteriores a {{time}} têm hashes de uma chave antiga até que sejam reprocessados.',
    reprocess: 'Planejar o reprocessamento',
  },
});
