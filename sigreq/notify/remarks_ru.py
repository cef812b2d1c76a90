"""What kept us from seeing a file, in Russian."""

from sigreq.domain.faults import Fault
from sigreq.domain.remarks import DETECTION_OTHER, DETECTION_UNKNOWN, MORE

# ruff: noqa: RUF001 - Russian letters are meant

REMARKS: dict[str | int, str] = {
    Fault.ARCHIVE_ENCRYPTED.value: "ни один из паролей не подошёл; отправьте файл ещё раз, указав пароль",
    Fault.ARCHIVE_LIMIT.value: "в архиве больше, чем мы распаковываем; проверено то, что прочитано до ограничения",
    Fault.ARCHIVE_BROKEN.value: "архив повреждён или его описание не соответствует содержимому",
    Fault.ARCHIVE_UNSUPPORTED.value: "архивы такого вида мы не распаковываем",
    Fault.LINK_SKIPPED.value: "ссылка или другая запись без содержимого: проверять нечего",
    Fault.NOT_PARSED.value: "файл выглядит как программа, но повреждён",
    Fault.LIBRARY_MISSING.value: "на сервере не установлена нужная для этого библиотека",
    Fault.TIMEOUT.value: "проверка заняла больше времени, чем отведено",
    Fault.CPU_LIMIT.value: "проверка потребовала больше процессорного времени, чем отведено",
    Fault.OUT_OF_MEMORY.value: "проверка потребовала больше памяти, чем отведено",
    Fault.CHILD_DIED.value: "процесс проверки дважды завершился аварийно",
    Fault.SCAN_ERROR.value: "при проверке произошла ошибка в одном из правил",
    Fault.TOO_MANY_MATCHES.value: "правило сработало слишком много раз",
    Fault.RULESET_INVALID.value: "правила этой версии баз не компилируются",
    Fault.NO_RULESET.value: "правила этой версии баз не сохранены",
    Fault.SAMPLE_MISSING.value: "файла больше нет в хранилище",
    Fault.SAMPLE_CORRUPT.value: "хранилище вернуло не то, что было отправлено",
    Fault.NOT_EXAMINED.value: "файл ещё не проверен",
    DETECTION_UNKNOWN: "такого имени обнаружения у нас нет; возможно, файл обнаружил другой продукт",
    DETECTION_OTHER: "правила срабатывают на файл, но не под указанным вами именем",
    MORE: "есть и другие примечания, они приведены в отчёте",
}
