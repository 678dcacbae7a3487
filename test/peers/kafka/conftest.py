def pytest_addoption(parser):
    parser.addoption("--kills", type=int, default=5, help="how often the exactly-once job is killed")
