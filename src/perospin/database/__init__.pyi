from .benchmark import (
    TABLES as TABLES,
)
from .benchmark import (
    BenchmarkTable as BenchmarkTable,
)
from .benchmark import (
    data_file as data_file,
)
from .benchmark import (
    load_table as load_table,
)
from .checking import (
    check_curated as check_curated,
)
from .citing import (
    CitedSource as CitedSource,
)
from .citing import (
    cited_sources as cited_sources,
)
from .citing import (
    to_bibtex as to_bibtex,
)
from .exporting import (
    export_records as export_records,
)
from .exporting import (
    to_json as to_json,
)
from .importing import (
    ColumnMapping as ColumnMapping,
)
from .importing import (
    ImportCheck as ImportCheck,
)
from .importing import (
    check_file as check_file,
)
from .importing import (
    import_file as import_file,
)
from .query import (
    CURATED as CURATED,
)
from .query import (
    curated_records as curated_records,
)
from .query import (
    load_records as load_records,
)
from .query import (
    select_records as select_records,
)
from .query import (
    to_frame as to_frame,
)
from .record import (
    Conditions as Conditions,
)
from .record import (
    Record as Record,
)
from .record import (
    Source as Source,
)
from .store import (
    Store as Store,
)
from .tidy import (
    CellIssue as CellIssue,
)
from .tidy import (
    read_records as read_records,
)
from .tidy import (
    write_records as write_records,
)
from .vocabulary import (
    PROPERTIES as PROPERTIES,
)
from .vocabulary import (
    Property as Property,
)
