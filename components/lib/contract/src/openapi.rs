//! The OpenAPI 3.1 document, built from ROUTES. The web app's types are generated from it.

use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, PathItem, PathsBuilder};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Required};
use utoipa::{PartialSchema, ToSchema};

use crate::error::{ErrorBody, ErrorCode};
use crate::route::{Auth, InputSchema, Method, RouteInfo, Stability, TokenAccess};
use crate::routes::ROUTES;

/// Name of the session cookie over HTTPS; loopback HTTP uses a plain name.
const COOKIE: &str = "__Host-sam_session";

/// The document for all routes but the host's own.
pub fn document() -> OpenApi {
    let mut paths = PathsBuilder::new();
    let mut components = ComponentsBuilder::new()
        .schema(ErrorBody::name(), ErrorBody::schema())
        .schema(ErrorCode::name(), ErrorCode::schema());
    let mut ids = Vec::new();
    ErrorBody::schemas(&mut ids);
    for route in ROUTES
        .iter()
        .filter(|route| matches!(route.stability, Stability::Stable | Stability::Internal))
    {
        let mut input = InputSchema::default();
        (route.input)(&mut input);
        let output = (route.output)();
        let schemas = input.schemas.iter().chain(&output.schemas).chain(&ids);
        components = schemas.fold(components, |all, (name, schema)| all.schema(name, schema.clone()));
        paths = paths.path(
            route.path,
            PathItem::new(http_method(route.method), operation(route, input)),
        );
    }
    let info = InfoBuilder::new()
        .title("Simple Agent Manager")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Routes tagged `stable` change only by addition; the others belong to our web app.",
        ))
        .license(Some(
            LicenseBuilder::new()
                .name("Apache-2.0")
                .identifier(Some("Apache-2.0"))
                .build(),
        ));
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("sam_…")
        .description(Some("A personal API token."))
        .build();
    let components = components
        .security_scheme(
            "session",
            SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(COOKIE))),
        )
        .security_scheme("token", SecurityScheme::Http(bearer));
    OpenApiBuilder::new()
        .info(info.build())
        .paths(paths.build())
        .components(Some(components.build()))
        .build()
}

fn http_method(method: Method) -> HttpMethod {
    match method {
        Method::Get => HttpMethod::Get,
        Method::Post => HttpMethod::Post,
        Method::Put => HttpMethod::Put,
        Method::Patch => HttpMethod::Patch,
        Method::Delete => HttpMethod::Delete,
    }
}

fn schema_ref(name: impl Into<String>) -> Option<RefOr<utoipa::openapi::Schema>> {
    Some(RefOr::Ref(Ref::from_schema_name(name)))
}

fn operation(route: &RouteInfo, input: InputSchema) -> OperationBuilder {
    let tag = if route.stability == Stability::Stable {
        "stable"
    } else {
        "internal"
    };
    let has_input = input.body.is_some() || input.held_body || !input.parameters.is_empty();
    let held = input
        .held_body
        .then(|| ("application/octet-stream", ContentBuilder::new().build()));
    let json = input.body.map(|name| {
        (
            "application/json",
            ContentBuilder::new().schema(schema_ref(name)).build(),
        )
    });
    let body = held.or(json).map(|(media, content)| {
        RequestBodyBuilder::new()
            .content(media, content)
            .required(Some(Required::True))
            .build()
    });
    let output = (route.output)();
    let mut success = ResponseBuilder::new().description("Success.");
    if let Some(media) = output.content_type {
        success = success.content(
            media,
            ContentBuilder::new().schema(output.body.and_then(schema_ref)).build(),
        );
    }
    let mut operation = OperationBuilder::new()
        .operation_id(Some(route.id))
        .tag(tag)
        .summary(Some(route.summary))
        .parameters((!input.parameters.is_empty()).then_some(input.parameters))
        .request_body(body)
        .response(route.status.to_string(), success.build());
    for (status, when) in failures(route, has_input) {
        let content = ContentBuilder::new().schema(schema_ref(ErrorBody::name())).build();
        let answer = ResponseBuilder::new()
            .description(when)
            .content("application/json", content)
            .build();
        operation = operation.response(status, answer);
    }
    match (route.auth, route.tokens) {
        (Auth::Public | Auth::Ops | Auth::Node, _) => operation.securities(Some([SecurityRequirement::default()])),
        (_, TokenAccess::Never) => operation.securities(Some([requirement("session")])),
        (_, TokenAccess::Scope(_)) => operation.securities(Some([requirement("session"), requirement("token")])),
    }
}

fn requirement(scheme: &str) -> SecurityRequirement {
    SecurityRequirement::new(scheme, [] as [&str; 0])
}

/// The failures a route can answer with besides our own (500, 503).
fn failures(route: &RouteInfo, has_input: bool) -> Vec<(&'static str, &'static str)> {
    let guarded = !matches!(route.auth, Auth::Public);
    let all = [
        (
            has_input,
            "400",
            "A part of the request is wrong; the message names it.",
        ),
        (guarded, "401", "Not signed in."),
        (guarded, "403", "Signed in, but not allowed to do this."),
        (route.path.contains('{'), "404", "No such thing."),
        (
            !route.method.is_safe(),
            "409",
            "The thing is in a state that does not allow this.",
        ),
        (
            route.rate_limit.is_some(),
            "429",
            "Too often; `details.retry_after_s` says when to come back.",
        ),
        (true, "default", "Another failure."),
    ];
    all.into_iter()
        .filter(|(applies, ..)| *applies)
        .map(|(_, status, when)| (status, when))
        .collect()
}
