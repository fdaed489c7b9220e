/**
 * Bull Board's page with its own styles and scripts, as the template names them, and nothing else of the template: that loads
 * fonts from another server and has styles in its markup, which our policy for content forbids.
 */
export function renderPage(template: string, basePath: string, uiConfig: { boardTitle?: string }): string {
  const filesOf = (pattern: RegExp) => [...template.matchAll(pattern)].map(([path]) => path);
  const styles = filesOf(/static\/css\/[^"]+/g).map((path) => `<link rel="stylesheet" href="${path}" />`);
  const scripts = filesOf(/static\/js\/[^"]+/g).map((path) => `<script defer src="${path}"></script>`);
  if (styles.length === 0 || scripts.length === 0) throw new Error('Bull Board’s page names no files');
  const config = JSON.stringify(uiConfig).replace(/</g, '\\u003c').replace(/>/g, '\\u003e');
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="robots" content="noindex" />
    <base href="${basePath}" />
    <title>${uiConfig.boardTitle ?? ''}</title>
    <link rel="icon" href="static/images/logo.svg" type="image/svg+xml" />
    ${styles.join('\n    ')}
  </head>
  <body>
    <script id="__UI_CONFIG__" type="application/json">${config}</script>
    <div id="root">Loading …</div>
    ${scripts.join('\n    ')}
  </body>
</html>
`;
}
