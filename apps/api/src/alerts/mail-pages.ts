/** A page behind a link in a mail. */
export type MailPage = 'confirm' | 'confirmed' | 'stop' | 'stopped' | 'restarted' | 'unknown';

interface Text {
  title: string;
  body: string;
  button?: string;
}

const english: Record<MailPage, Text> = {
  confirm: {
    title: 'Get alerts at this address?',
    body: 'An organisation wants to send alerts about its incidents to your address. You can stop them at any time by a link in each of them.',
    button: 'Confirm my address',
  },
  confirmed: { title: 'Your address is confirmed', body: 'You will get the alerts of this organisation.' },
  stop: {
    title: 'Stop these alerts?',
    body: 'This organisation will send no more alerts to your address, also when its members enter the address again. Only you can restart them.',
    button: 'Stop the alerts',
  },
  stopped: {
    title: 'The alerts are stopped',
    body: 'This organisation sends no more alerts to your address. If that was a mistake, you can restart them.',
    button: 'Restart the alerts',
  },
  restarted: {
    title: 'The alerts are restarted',
    body: 'You will get the alerts of this organisation again, if you had confirmed your address.',
  },
  unknown: {
    title: 'This link is not valid',
    body: 'It was used before or has expired. An owner of the organisation can have a new mail sent to you.',
  },
};

const portuguese: Record<MailPage, Text> = {
  confirm: {
    title: 'Receber alertas neste endereço?',
    body: 'Uma organização quer enviar alertas sobre os incidentes dela para o seu endereço. Você pode pará-los a qualquer momento por um link em cada um.',
    button: 'Confirmar meu endereço',
  },
  confirmed: { title: 'Seu endereço está confirmado', body: 'Você vai receber os alertas desta organização.' },
  stop: {
    title: 'Parar estes alertas?',
    body: 'Esta organização não vai mais enviar alertas para o seu endereço, nem se os membros dela o informarem de novo. Só você pode reativá-los.',
    button: 'Parar os alertas',
  },
  stopped: {
    title: 'Os alertas estão parados',
    body: 'Esta organização não envia mais alertas para o seu endereço. Se foi um engano, você pode reativá-los.',
    button: 'Reativar os alertas',
  },
  restarted: {
    title: 'Os alertas estão reativados',
    body: 'Você volta a receber os alertas desta organização, se tinha confirmado seu endereço.',
  },
  unknown: {
    title: 'Este link não é válido',
    body: 'Ele já foi usado ou expirou. Um proprietário da organização pode pedir um novo e-mail para você.',
  },
};

/** The page in Portuguese when the browser prefers it, otherwise in English. `action`: where its button posts to. It runs no script. */
export function mailPage(page: MailPage, acceptLanguage: string | undefined, action: string): string {
  const isPortuguese = /^\s*pt\b/i.test(acceptLanguage ?? '');
  const { title, body, button } = (isPortuguese ? portuguese : english)[page];
  return `<!doctype html>
<html lang="${isPortuguese ? 'pt-BR' : 'en'}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}</title>
<style>
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; margin: 12vh auto; max-width: 32rem; padding: 0 1.5rem }
button { font: inherit; padding: .6rem 1.2rem; border: 0; border-radius: .4rem; background: #0b7285; color: #fff; cursor: pointer }
</style>
</head>
<body>
<main>
<h1>${title}</h1>
<p>${body}</p>
${button ? `<form method="post" action="${action}"><button type="submit">${button}</button></form>` : ''}
</main>
</body>
</html>
`;
}
