import { useState } from 'react';
import { authText } from './refusals.ts';

export function useSubmit(run: () => Promise<void>) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  return {
    busy,
    error,
    /** The refusal in the reader's language. */
    message: error ? authText(error) : undefined,
    submit: async () => {
      setBusy(true);
      setError(null);
      try {
        await run();
      } catch (cause) {
        setError(cause instanceof Error ? cause : new Error(String(cause)));
      } finally {
        setBusy(false);
      }
    },
  };
}
