"""Every operation of the API, once for both clients."""

from sigreq_client.administrators import AdministratorOperations
from sigreq_client.analysts import AnalystOperations
from sigreq_client.caller import R_co
from sigreq_client.corpus import CorpusOperations
from sigreq_client.customers import CustomerOperations
from sigreq_client.extras import ExtraOperations
from sigreq_client.releasing import ReleaseOperations
from sigreq_client.texts import TextOperations


class Operations(
    CustomerOperations[R_co],
    AnalystOperations[R_co],
    ReleaseOperations[R_co],
    AdministratorOperations[R_co],
    CorpusOperations[R_co],
    ExtraOperations[R_co],
    TextOperations[R_co],
):
    """The operations by audience.

    A `revision` is the one you read; writing over a newer one is refused with ApiError 412.
    """
