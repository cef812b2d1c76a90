from tests.world import World


def test_a_submission_is_accepted_and_screened(world: World) -> None:
    customer, product = world.customer(), world.product()
    case = world.queued(customer, product)
    assert case["finding"] == "supported"
