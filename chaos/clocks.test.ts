import { prove } from './prove.ts';

prove('clocks');
