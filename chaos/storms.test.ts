import { prove } from './prove.ts';

prove('storms');
