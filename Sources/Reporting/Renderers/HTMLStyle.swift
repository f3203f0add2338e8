/// The style sheet of HTML reports. Curve colours are the Okabe–Ito palette, which colour-blind readers can tell apart.
enum HTMLStyle {
    static let sheet: StaticString = """

        :root { color-scheme: light dark; --page: #ffffff; --ink: #1d2129; --quiet: #626b7a; --rule: #d9dde4;
          --panel: #f5f6f8; --alarm: #8a4b00; --alarm-page: #fff4e0;
          --c0: #0072b2; --c1: #d55e00; --c2: #009e73; --c3: #cc79a7; --c4: #a88400; --c5: #56b4e9; --c6: #555555; }
        @media (prefers-color-scheme: dark) {
          :root { --page: #14171c; --ink: #e4e7ec; --quiet: #98a2b3; --rule: #323843; --panel: #1c2027;
            --alarm: #ffc46b; --alarm-page: #33260f;
            --c0: #4aa8e0; --c1: #f08a4b; --c2: #35c79b; --c3: #e3a3c6; --c4: #e6c229; --c5: #8fd0f5; --c6: #b0b0b0; } }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--page); color: var(--ink);
          font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
        main { max-width: 80rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
        h1, h2, p, figcaption, bdi { overflow-wrap: anywhere; }
        h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .75rem; }
        h2 { font-size: 1.25rem; margin: 2.75rem 0 .75rem; padding-top: 1rem; border-top: 1px solid var(--rule); }
        p { max-width: 46rem; margin: .6rem 0; }
        header p { color: var(--quiet); }
        .warning { background: var(--alarm-page); color: var(--alarm); border-left: 4px solid currentColor;
          padding: .6rem .9rem; border-radius: 0 4px 4px 0; }
        pre { background: var(--panel); padding: .8rem 1rem; overflow-x: auto; border-radius: 4px; font-size: .85rem; }
        .scroll { overflow-x: auto; }
        .scroll:focus-visible, pre:focus-visible { outline: 2px solid var(--c0); outline-offset: 2px; }
        table { border-collapse: collapse; font-size: .92rem; }
        .caption { color: var(--quiet); font-size: .88rem; }
        .table figcaption { padding: 0 0 .4rem; }
        th, td { padding: .38rem .7rem; border-bottom: 1px solid var(--rule); vertical-align: top; }
        th { font-weight: 600; border-bottom-width: 2px; white-space: nowrap; }
        th:first-child, td:first-child { padding-left: 0; }
        th button { all: unset; cursor: pointer; }
        th button:hover { text-decoration: underline; }
        th button:focus-visible { outline: 2px solid var(--c0); }
        th[aria-sort="ascending"] button::after { content: " ▴"; }
        th[aria-sort="descending"] button::after { content: " ▾"; }
        .words { text-align: left; white-space: nowrap; }
        u { text-decoration-thickness: 1px; text-underline-offset: 3px; }
        .number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
        .long { min-width: 13rem; max-width: 30rem; white-space: normal; overflow-wrap: anywhere; }
        th:first-child:not(.long), td:first-child:not(.long) { position: sticky; left: 0; background: var(--page); }
        tbody tr:hover > :is(td, td:first-child:not(.long)) { background: var(--panel); }
        figure { margin: 1rem 0; }
        figcaption { color: var(--quiet); font-size: .85rem; }
        svg { display: block; width: 100%; max-width: 38rem; height: auto; }
        svg text { fill: var(--quiet); font: 12px system-ui, sans-serif; }
        svg .key { fill: var(--ink); }
        .grid { stroke: var(--rule); stroke-width: 1; }
        .axis { stroke: var(--quiet); stroke-width: 1; }
        .curve { fill: none; stroke-width: 1.6; stroke-linejoin: round; stroke-linecap: round; }
        .pictures { display: grid; gap: .9rem; grid-template-columns: repeat(var(--columns), minmax(0, 1fr)); }
        .pictures figure { margin: 0; }
        .pictures img { width: 100%; height: auto; display: block; border-radius: 4px; background: var(--panel); }
        @media (max-width: 40rem) {
          main { padding: 1.25rem 1rem 3rem; }
          h1 { font-size: 1.5rem; }
          .pictures { grid-template-columns: repeat(var(--narrow), minmax(0, 1fr)); } }
        @media print { main { max-width: none; padding: 0; } h2 { break-after: avoid; } }

        """
}
