"""Who may sign in: a Cognito user pool, its sign-in pages, and the web page as its one public client."""

from collections.abc import Sequence

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_cognito as cognito
from constructs import Construct

from infrastructure.plan import Plan

# Where the web client is sent back to (web/src/transport/config.ts).
CALLBACK_PATH = "/signin/callback"


class Identity(Stack):
    """A pool whose people an operator invites. Access tokens live for an hour."""

    def __init__(self, scope: Construct, plan: Plan, web_origin: str) -> None:
        super().__init__(
            scope,
            "Identity",
            stack_name=f"{plan.name}-identity",
            env={"account": plan.account, "region": plan.region},
            description="MAGISystem: who may sign in",
        )
        pool = cognito.UserPool(
            self,
            "People",
            user_pool_name=plan.name,
            # Whoever finds the page could spend the account's money with a registration of their own.
            self_sign_up_enabled=False,
            sign_in_aliases=cognito.SignInAliases(email=True),
            auto_verify=cognito.AutoVerifiedAttrs(email=True),
            # Length before composition, as NIST SP 800-63B asks; the three classes are Cognito's usual ones.
            password_policy=cognito.PasswordPolicy(
                min_length=12,
                require_lowercase=True,
                require_uppercase=True,
                require_digits=True,
                require_symbols=False,
                temp_password_validity=Duration.days(3),
            ),
            mfa=cognito.Mfa.REQUIRED if plan.mfa == "required" else cognito.Mfa.OPTIONAL,
            # By app only: text messages cost, need a role of their own, and can be taken over.
            mfa_second_factor=cognito.MfaSecondFactor(otp=True, sms=False),
            account_recovery=cognito.AccountRecovery.EMAIL_ONLY,
            feature_plan=cognito.FeaturePlan.ESSENTIALS,
            removal_policy=RemovalPolicy.DESTROY,
        )
        domain = pool.add_domain(
            "SignIn",
            cognito_domain=cognito.CognitoDomainOptions(domain_prefix=plan.sign_in_prefix),
            managed_login_version=cognito.ManagedLoginVersion.NEWER_MANAGED_LOGIN,
        )
        client = self._web_client(pool, [web_origin, *plan.origins])
        # Without a branding of its own a client has no managed sign-in page at all.
        # https://docs.aws.amazon.com/cognito/latest/developerguide/managed-login-branding.html
        branding = cognito.CfnManagedLoginBranding(
            self,
            "SignInStyle",
            user_pool_id=pool.user_pool_id,
            client_id=client.user_pool_client_id,
            use_cognito_provided_values=True,
        )
        branding.node.add_dependency(domain)
        self.client_id = client.user_pool_client_id
        self.issuer = f"https://cognito-idp.{plan.region}.amazonaws.com/{pool.user_pool_id}"
        self.discovery_url = f"{self.issuer}/.well-known/openid-configuration"
        CfnOutput(self, "UserPoolId", value=pool.user_pool_id)
        CfnOutput(self, "ClientId", value=self.client_id)
        CfnOutput(self, "Issuer", value=self.issuer)
        CfnOutput(self, "SignInUrl", value=f"https://{sign_in_host(plan)}")

    def _web_client(self, pool: cognito.UserPool, origins: Sequence[str]) -> cognito.UserPoolClient:
        return pool.add_client(
            "Web",
            # A page keeps no secret; PKCE is what proves the exchange.
            generate_secret=False,
            o_auth=cognito.OAuthSettings(
                flows=cognito.OAuthFlows(authorization_code_grant=True),
                scopes=[cognito.OAuthScope.OPENID, cognito.OAuthScope.EMAIL, cognito.OAuthScope.PROFILE],
                callback_urls=[f"{origin}{CALLBACK_PATH}" for origin in origins],
                logout_urls=[f"{origin}/" for origin in origins],
            ),
            # People sign in on the pages. This further flow is for operators: it asks for AWS credentials of the
            # account, and gives `magi doctor` and pipelines a token without a browser.
            auth_flows=cognito.AuthFlow(admin_user_password=True),
            supported_identity_providers=[cognito.UserPoolClientIdentityProvider.COGNITO],
            prevent_user_existence_errors=True,
            enable_token_revocation=True,
            access_token_validity=Duration.hours(1),
            id_token_validity=Duration.hours(1),
            refresh_token_validity=Duration.days(1),
        )


def sign_in_host(plan: Plan) -> str:
    """Give the host of the sign-in pages and of the token endpoint."""
    return f"{plan.sign_in_prefix}.auth.{plan.region}.amazoncognito.com"
