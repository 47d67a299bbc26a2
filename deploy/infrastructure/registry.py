"""The image's repository. A stack of its own, because the image must be there before what runs it."""

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from constructs import Construct

from infrastructure.plan import Plan


class Registry(Stack):
    """Keeps the latest images. A tag is made of the image's sources and never moves."""

    def __init__(self, scope: Construct, plan: Plan) -> None:
        super().__init__(
            scope,
            "Registry",
            stack_name=f"{plan.name}-registry",
            env={"account": plan.account, "region": plan.region},
            description="MAGISystem: the image",
        )
        repository = ecr.Repository(
            self,
            "Images",
            repository_name=plan.repository,
            image_scan_on_push=True,
            image_tag_mutability=ecr.TagMutability.IMMUTABLE,
            # `magi destroy` leaves nothing that costs; an image is built again from its sources.
            removal_policy=RemovalPolicy.DESTROY,
            empty_on_delete=True,
        )
        repository.add_lifecycle_rule(max_image_count=10, description="Room for rolling back, and no more")
        repository.add_lifecycle_rule(
            max_image_age=Duration.days(1), tag_status=ecr.TagStatus.UNTAGGED, description="What an upload left behind"
        )
        # The Lambda service itself fetches a function's image, when it has to optimise it again, too.
        # https://docs.aws.amazon.com/lambda/latest/dg/images-create.html#configuration-images-permissions
        repository.add_to_resource_policy(
            iam.PolicyStatement(
                sid="FunctionsFetchTheirImage",
                principals=[iam.ServicePrincipal("lambda.amazonaws.com")],  # pyright: ignore[reportArgumentType] - jsii names parameters otherwise
                actions=["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
                conditions={
                    "StringEquals": {"aws:SourceAccount": plan.account},
                    "ArnLike": {
                        "aws:SourceArn": f"arn:aws:lambda:{plan.region}:{plan.account}:function:{plan.name}-gateway"
                    },
                },
            )
        )
        self.repository_arn = f"arn:aws:ecr:{plan.region}:{plan.account}:repository/{plan.repository}"
