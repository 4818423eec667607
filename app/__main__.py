"""`python -m app [--host HOST] [--port PORT] ...`"""

if __name__ == "__main__":  # the engine's process imports this file again: nothing of the server belongs there
    from app.serve import main

    main()
