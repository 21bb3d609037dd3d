using Campaigns.ApiFrontend.Edge;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Campaigns.ApiFrontend;

/// <summary>What the generated OpenAPI document says beyond the endpoints themselves.</summary>
internal static class OpenApiDocument
{
    public static void Describe(OpenApiOptions options)
    {
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info.Title = "Campaigns";
            document.Info.Version = "v1";
            document.Info.Description = "The campaign runtime. Errors are problem documents (RFC 9457) with a stable code.";
            document.Servers = [];
            document.Components ??= new();
            document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>(StringComparer.Ordinal)
            {
                ["shopper"] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", BearerFormat = "JWT", Description = "From POST /v1/sessions." },
                ["merchant"] = new OpenApiSecurityScheme { Type = SecuritySchemeType.ApiKey, In = ParameterLocation.Header, Name = MerchantAuthentication.Header },
            };
            return Task.CompletedTask;
        });
        options.AddOperationTransformer((operation, context, _) =>
        {
            var rule = context.Description.ActionDescriptor.EndpointMetadata.OfType<IAuthorizeData>().LastOrDefault()?.Policy;
            if (rule is null) return Task.CompletedTask;
            var scheme = rule == Rights.Shopper ? "shopper" : "merchant";
            operation.Security = [new() { [new OpenApiSecuritySchemeReference(scheme, context.Document)] = [] }];
            return Task.CompletedTask;
        });
    }
}
