import { defineTexts } from '../../lib/i18n.ts';

export const orgKeyTexts = defineTexts('org-keys', {
  en: {
    keys: 'Keys',
    keysHint:
      'The data key encrypts the bodies of deliveries and the secrets of connections. The hash key makes the hashes that stand for e-mail addresses, phones and documents. Both belong to this org alone and are wrapped by the key of the installation.',
    noKey: 'No key yet',
    noKeyHint: 'The org gets its keys with its first secret or delivery.',
    key: 'Key',
    version: 'Version',
    made: 'Created',
    state: 'State',
    data: 'Data key',
    hash: 'Hash key',
    inUse: 'In use',
    opens: 'Opens older data',
    finds: 'Finds older events',
    retired: 'Retired',
    rotateData: 'New data key',
    rotateHash: 'New hash key',
    rotateNow: 'Create the key',
    rotatedData: 'A new data key is in use',
    rotatedHash: 'A new hash key is in use',
    rotateDataBody:
      'Data that is stored from now on is encrypted with a new key. Older data stays readable: the older keys are kept for it.',
    rotateHashBody:
      'Events that arrive from now on are hashed with a new key, so the same person has different hashes in new and in older events. A search for a person finds both, and an erasure erases both.',
    rotateHashJoins:
      'Your own queries and exports that join events by their hashes see two people until the older events are reprocessed. That is possible as long as their bodies are kept.',
    olderHashes: 'Events from before {{time}} have hashes of an older key until they are reprocessed.',
    reprocess: 'Plan the reprocessing',
  },
  'pt-BR': {
    keys: 'Chaves',
    keysHint:
      'A chave de dados criptografa o corpo das entregas e os segredos das conexões. A chave de hash cria os hashes que representam e-mails, telefones e documentos. As duas são só desta organização e protegidas pela chave da instalação.',
    noKey: 'Nenhuma chave ainda',
    noKeyHint: 'A organização recebe suas chaves com o primeiro segredo ou a primeira entrega.',
    key: 'Chave',
    version: 'Versão',
    made: 'Criada',
    state: 'Estado',
    data: 'Chave de dados',
    hash: 'Chave de hash',
    inUse: 'Em uso',
    opens: 'Abre dados antigos',
    finds: 'Encontra eventos antigos',
    retired: 'Aposentada',
    rotateData: 'Nova chave de dados',
    rotateHash: 'Nova chave de hash',
    rotateNow: 'Criar a chave',
    rotatedData: 'Uma nova chave de dados está em uso',
    rotatedHash: 'Uma nova chave de hash está em uso',
    rotateDataBody:
      'Os dados guardados a partir de agora serão criptografados com uma nova chave. Os dados antigos continuam legíveis: as chaves antigas são mantidas para isso.',
    rotateHashBody:
      'Os eventos que chegam a partir de agora recebem hashes de uma nova chave, então a mesma pessoa tem hashes diferentes nos eventos novos e nos antigos. A busca por uma pessoa encontra os dois, e uma eliminação elimina os dois.',
    rotateHashJoins:
      'Suas próprias consultas e exportações que unem eventos pelos hashes veem duas pessoas até que os eventos antigos sejam reprocessados. Isso é possível enquanto o corpo deles é guardado.',
    olderHashes: 'Os eventos anteriores a {{time}} têm hashes de uma chave antiga até que sejam reprocessados.',
    reprocess: 'Planejar o reprocessamento',
  },
});
