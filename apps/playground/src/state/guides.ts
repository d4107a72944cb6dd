/** Where the guides are, if this page is a part of their site, at /playground. */
export const guides: URL | undefined = /\/playground\/(index\.html)?$/.test(location.pathname)
  ? new URL("../guides/", location.href)
  : undefined;
