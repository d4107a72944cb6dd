import type { ComponentChildren } from "preact";
import { guides } from "../state/guides.js";

/** What a panel is, in a sentence; on the site, with the guide that explains it. */
export function About(props: {
  /** A page of the guides, and where in it. */
  readonly guide: string;
  /** What that is about, for who hears the link alone. */
  readonly topic: string;
  readonly children: ComponentChildren;
}) {
  return (
    <p class="about">
      {props.children}
      {guides && (
        <>
          {" "}
          {/* Beside this page, which would forget its run. */}
          <a
            href={new URL(props.guide, guides).href}
            target="tessera-guide"
            aria-label={`Read on: ${props.topic}`}
          >
            Read on
          </a>
        </>
      )}
    </p>
  );
}
