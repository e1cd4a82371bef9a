import { prove } from './prove.ts';

prove('alone');
