import { prove } from './prove.ts';

prove('measured');
