// The bundle is a plain script and makes this global.
const { SwaggerUIBundle } = window;

SwaggerUIBundle({
  url: '/openapi.yaml',
  dom_id: '#docs',
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  // It would ask a server of Swagger's what it thinks of the description.
  validatorUrl: null,
  syntaxHighlight: { activated: false },
});
