// The theme's own font is left out: pages are set in the reader's system font.
import theme from "vitepress/theme-without-fonts";
import "./math/font.css";
import "./style.css";

export default theme;
