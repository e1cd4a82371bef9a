import { defineTexts } from '../../lib/i18n.ts';

export const warningTexts = defineTexts('reading-warnings', {
  en: {
    conflicts: 'Different bodies arrived under one key',
    conflictsWhat_one:
      '{{count}} record has the key of a stored event but another body. The first body is the event; the other one waits as a dead letter.',
    conflictsWhat_other:
      '{{count}} records have the key of a stored event but another body. The first body is the event; the others wait as dead letters.',
    conflictsId:
      'If these are different events, set an id that is different for each of them (Fields › Id), for example order_id + status.',
    conflictsVolatile:
      'If these are repetitions of one event, name the fields in which the repetitions differ (Volatile), for example attempt.',
    conflictsName: 'If the name of the event is in another field or in a header, set it (Fields › Type): it is a part of the key.',
    conflictsPlatform:
      'The platform sent two different bodies with one id. Compare each entry with the stored event, and discard what is not needed.',
    times: 'The time of events was not read from every record',
    timesWaiting_one: '{{count}} record waits as a dead letter because its time in {{path}} is missing or cannot be read.',
    timesWaiting_other: '{{count}} records wait as dead letters because their time in {{path}} is missing or cannot be read.',
    time_unreadable: 'The field {{path}} holds no time that can be read. It has the form {{form}}.',
    time_in_future: 'The time in {{path}} had not come yet when the record arrived, so the next field was taken.',
    time_without_zone: 'The time in {{path}} names no time zone, so it was read as UTC.',
    time_of_arrival: 'No field of the latest delivery gave a time, so the time of arrival is the time of the event.',
    timesFix: 'Say in the settings where the time is and in which form (Fields › Time), and which time zone it is in (Time zone).',
    entries: 'See the entries',
  },
  'pt-BR': {
    conflicts: 'Conteúdos diferentes chegaram com a mesma chave',
    conflictsWhat_one:
      '{{count}} registro tem a chave de um evento armazenado, mas outro conteúdo. O primeiro conteúdo é o evento; o outro aguarda como falha.',
    conflictsWhat_other:
      '{{count}} registros têm a chave de um evento armazenado, mas outro conteúdo. O primeiro conteúdo é o evento; os outros aguardam como falhas.',
    conflictsId: 'Se são eventos diferentes, defina um id que seja diferente para cada um (Campos › Id), por exemplo order_id + status.',
    conflictsVolatile:
      'Se são repetições de um evento, informe os campos em que as repetições diferem (Campos voláteis), por exemplo attempt.',
    conflictsName: 'Se o nome do evento está em outro campo ou em um cabeçalho, defina-o (Campos › Tipo): ele faz parte da chave.',
    conflictsPlatform:
      'A plataforma enviou dois conteúdos diferentes com o mesmo id. Compare cada registro com o evento armazenado e descarte o que não for necessário.',
    times: 'O horário dos eventos não foi lido em todos os registros',
    timesWaiting_one: '{{count}} registro aguarda como falha porque seu horário em {{path}} falta ou não pode ser lido.',
    timesWaiting_other: '{{count}} registros aguardam como falhas porque seu horário em {{path}} falta ou não pode ser lido.',
    time_unreadable: 'O campo {{path}} não contém um horário que possa ser lido. Ele tem a forma {{form}}.',
    time_in_future: 'O horário em {{path}} ainda não tinha chegado quando o registro foi recebido; por isso foi usado o campo seguinte.',
    time_without_zone: 'O horário em {{path}} não informa o fuso horário; por isso foi lido como UTC.',
    time_of_arrival: 'Nenhum campo da última entrega deu um horário; por isso o horário de chegada é o horário do evento.',
    timesFix:
      'Informe nas configurações onde está o horário e em que forma (Campos › Data), e em qual fuso horário ele está (Fuso horário).',
    entries: 'Ver os registros',
  },
});
