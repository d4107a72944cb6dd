/** Whether the visitor asked their system for less motion. */
export const stillness = matchMedia("(prefers-reduced-motion: reduce)");
