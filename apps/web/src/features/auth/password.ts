/** Supabase Auth refuses shorter passwords by default. */
export const passwordLengthMin = 8;
