import { isEnglish } from '../lib/i18n.ts';
import { useReasonName } from './error-class.tsx';

/** Messages of the pipeline in Portuguese, by their English form. `$1` is the field or value that the message names. */
const portuguese: readonly (readonly [RegExp, string])[] = [
  [/^"(.+)" is missing\.?$/, 'Falta o campo “$1”.'],
  [/^"(.+)" should be an object\.?$/, 'O campo “$1” deveria ser um objeto.'],
  [/^"(.+)" should be an array\.?$/, 'O campo “$1” deveria ser uma lista.'],
  [/^"(.+)" should be a number\.?$/, 'O campo “$1” deveria ser um número.'],
  [/^"(.+)" should be a text\.?$/, 'O campo “$1” deveria ser um texto.'],
  [/^"(.+)" should be a(?:n| decimal) amount\.?$/, 'O campo “$1” deveria ser um valor em dinheiro.'],
  [/^"(.+)" should be an integer of minor units\.?$/, 'O campo “$1” deveria ser um valor inteiro em centavos.'],
  [/^"(.+)" is too large an amount\.?$/, 'O valor em “$1” é grande demais.'],
  [/^"(.+)" is not a currency code\.?$/, 'O campo “$1” não é um código de moeda.'],
  [/^"(.+)" is not a plausible time\.?$/, 'O campo “$1” não é um horário plausível.'],
  [/^"(.+)" is not a time in .+$/, 'O campo “$1” não é um horário em uma forma conhecida.'],
  [/^The event time is more than 5 minutes in the future\.$/, 'O horário do evento está mais de 5 minutos no futuro.'],
  [/^The event has no plausible time\.$/, 'O evento não tem um horário plausível.'],
  [/^The body is empty\.?$/, 'O corpo está vazio.'],
  [/^The body cannot be read\.?$/, 'O corpo não pode ser lido.'],
  [/^The record is nested too deep\.$/, 'O registro tem níveis demais.'],
  [/^The record has a shape that the reader does not expect\.$/, 'O registro tem um formato que o leitor não espera.'],
  [/^The delivery could not be verified\.$/, 'A entrega não pôde ser verificada.'],
  [/^The connection was deleted: .+$/, 'A conexão foi excluída: nada mais pode ler as entregas dela.'],
  [/^The delivery is no longer kept: .+$/, 'A entrega não está mais guardada: o prazo de retenção terminou, ou ela foi eliminada.'],
  [/^The delivery was erased because .+$/, 'A entrega foi eliminada porque citava uma pessoa cujos dados foram eliminados.'],
  [/^The last attempt was cut off before it ended\.$/, 'A última tentativa foi interrompida antes de terminar.'],
  [/^The org\u2019s keys cannot be opened\.$/, 'As chaves da organização não podem ser abertas.'],
  [
    /^another body was stored first under the same idempotency key, as event (.+)$/,
    'Outro corpo foi guardado antes com a mesma chave de idempotência, como evento $1.',
  ],
];

/** The message of a failure in the language of the page. A message without a translation is quoted after the name of its reason. */
export function useFailureMessage() {
  const reasonName = useReasonName();
  return (errorClass: string | null, message: string): string => {
    if (isEnglish()) return message;
    const known = portuguese.find(([form]) => form.test(message));
    if (known) return message.replace(known[0], known[1]);
    return errorClass === null ? message : `${reasonName(errorClass)}. Mensagem do servidor: “${message}”`;
  };
}
